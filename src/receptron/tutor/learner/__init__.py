"""What is known of a learner: events, the store that keeps them, mastery and spaced repetition as read off them."""
