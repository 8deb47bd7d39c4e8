"""A nation's invented pupils and plans, in the shapes researchers receive, with the report's own effects planted."""

from sightline.synthetic.national.writing import National, synthesise_national

__all__ = ["National", "synthesise_national"]
