"""What makes the records: trainings that can be stopped, tables, benchmarks, the exam. The course imports nothing from here."""
