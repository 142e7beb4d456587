"""What a large batch takes in machines, hours and money: measured times, simulated queues and failures."""
