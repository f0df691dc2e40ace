"""Uses of energy that a folder may give, and the prototype building for each use of a cluster."""

USES = {
    "electricity": "all that cannot move, beside what has a column of its own",
    "lighting": "electricity of lights",
    "equipment": "electricity of appliances, of which a share may be transferable",
    "base_load": "electricity that runs day and night",
    "cooking": "of stoves, gas or electricity",
    "hot_water": "electricity of water heaters, which may choose its hours",
    "heating": "heat of rooms",
    "cooling": "cold of rooms",
}
"""Columns of loads.csv after the name of the cluster, and what each is."""
BUILDINGS = {
    "residential": "HighriseApartment",
    "low-rise residential": "MidriseApartment",
    "office": "LargeOffice",
    "small office": "SmallOffice",
    "hotel": "LargeHotel",
    "small hotel": "SmallHotel",
    "mall": "Retail",
    "supermarket": "SuperMarket",
    "restaurant": "FullServiceRestaurant",
    "primary school": "PrimarySchool",
    "school": "SecondarySchool",
    "college": "College",
    "hospital": "Hospital",
    "clinic": "Outpatient",
    "laboratory": "Laboratory",
    "courthouse": "Courthouse",
    "warehouse": "Warehouse",
}
"""Prototype building of honeybee-energy-standards (ASHRAE 90.1-2019) for each use that can be simulated."""
