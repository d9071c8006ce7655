"""What each unit sees of the input: exact along every axis, holes, borders and branches included."""
