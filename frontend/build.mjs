// Builds the stylesheet and the scripts into the folder named on the command line, and checks what it built.
// Run through `python frontend/build.py`, which finds Node and installs the packages of the lock first.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import * as sass from "sass";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2];
if (!out) {
  throw new Error("Say which folder to build into.");
}
mkdirSync(out, { recursive: true });

// The crown crest, the crown fonts and any picture may only be used on GOV.UK: whole declarations that name a file go.
function withoutBranding(css) {
  return css
    .replace(/@font-face\{[^}]*\}/g, "")
    .replace(/[a-z-]+:[^;{}]*url\((?!"?data:)[^)]*\)[^;{}]*;?/g, "")
    .replace(/\.govuk-footer__copyright-logo[^{}]*\{[^{}]*\}/g, "")
    .replace(/[^{}]*\{\}/g, "");
}

const compiled = sass.compile(join(here, "src", "app.scss"), {
  loadPaths: [here],
  style: "compressed",
  quietDeps: true,
});
const css = withoutBranding(compiled.css);
for (const banned of ["GDS Transport", "crest", "url(", "@import"]) {
  if (css.includes(banned)) {
    throw new Error(`The stylesheet still holds ${banned}.`);
  }
}
writeFileSync(join(out, "app.css"), css);

await esbuild.build({
  absWorkingDir: here,
  entryPoints: ["src/app.js", "src/charts.js", "src/passkeys.js"],
  outdir: out,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2020"],
  legalComments: "none",
  logLevel: "error",
});
for (const name of ["app.js", "charts.js", "passkeys.js"]) {
  if (readFileSync(join(out, name), "utf8").includes("sourceMappingURL")) {
    throw new Error(`${name} points to a source map that is not shipped.`);
  }
}
