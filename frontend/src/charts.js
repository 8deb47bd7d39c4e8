// Draws every chart on the page from the Vega-Lite specification the server wrote, with the interpreter that needs no
// eval, so that the content security policy can stay strict. The table beside each chart holds the same numbers.
import * as vega from "vega";
import { expressionInterpreter } from "vega-interpreter";
import { compile } from "vega-lite";

const SVG = "http://www.w3.org/2000/svg";

async function draw(figure) {
  if (figure.dataset.drawn) {
    return;
  }
  figure.dataset.drawn = "yes";
  const holder = figure.querySelector("[data-chart]");
  const compiled = compile(JSON.parse(holder.dataset.chart)).spec;
  const runtime = vega.parse(compiled, null, { ast: true });
  const view = new vega.View(runtime, {
    expr: expressionInterpreter,
    renderer: "svg",
    logLevel: vega.Error,
    hover: false,
  });
  view.tooltip(() => {});
  await view.initialize(holder).runAsync();
  name(holder.querySelector("svg"), holder.dataset.title, holder.dataset.describes);
  figure.hidden = false;
  const table = document.getElementById(figure.dataset.table);
  if (table) {
    table.removeAttribute("open");
  }
}

// Vega names each mark; a screen reader needs one name and one description, and the table for the rest.
function name(svg, title, description) {
  svg.querySelectorAll("[role], [aria-label], [aria-roledescription]").forEach((part) => {
    part.removeAttribute("role");
    part.removeAttribute("aria-label");
    part.removeAttribute("aria-roledescription");
  });
  const id = `chart-${Math.random().toString(36).slice(2)}`;
  const [head, text] = [document.createElementNS(SVG, "title"), document.createElementNS(SVG, "desc")];
  head.id = `${id}-title`;
  head.textContent = title;
  text.id = `${id}-desc`;
  text.textContent = description;
  svg.prepend(head, text);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-labelledby", head.id);
  svg.setAttribute("aria-describedby", text.id);
}

function drawAll() {
  document.querySelectorAll("[data-module='chart']").forEach((figure) => {
    draw(figure).catch((error) => {
      // The table stays open, so nothing is lost but the picture.
      figure.hidden = true;
      console.error(`A chart could not be drawn: ${error.name}`);
    });
  });
}

drawAll();
document.body.addEventListener("htmx:afterSwap", drawAll);
