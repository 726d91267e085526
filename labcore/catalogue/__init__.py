"""All runs of a workspace as a list, each under the cross-validation or search that it belongs to; sorted, filtered, searched. No torch."""

from labcore.catalogue.query import Query, select
from labcore.catalogue.rows import Row, catalogue

__all__ = ["Query", "Row", "catalogue", "select"]
