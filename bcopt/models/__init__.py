"""The studies' equations, one module a problem: plain functions of labelled arrays and linopy models, no method."""
