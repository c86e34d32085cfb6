"""What is asked of EnergyPlus, and what is read from what it wrote."""
