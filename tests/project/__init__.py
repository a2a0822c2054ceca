"""What holds for the project as a whole: its architecture, sizes, documents, templates and tools."""
