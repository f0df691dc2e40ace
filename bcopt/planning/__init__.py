"""What planners do with models and methods: compositions that know no study and no folder."""
