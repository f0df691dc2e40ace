"""What buildings need and the sun gives: weather, building simulation, solar and ground-source potential."""
