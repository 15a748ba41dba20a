//! Stories of connectors, against upstreams that behave and ones that do not.
