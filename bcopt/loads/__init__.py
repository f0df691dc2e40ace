"""Weather, building simulation, photovoltaic and ground-source potential."""
