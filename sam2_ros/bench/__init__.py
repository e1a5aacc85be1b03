"""How fast is it here? What ``sam2-ros bench`` runs; nothing else imports it."""
