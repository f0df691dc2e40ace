"""What makes a compendium of models: inputs with provenance, protocol, ledger, figures, notebook runner, site."""
