"""False alarms an hour: recordings without targets are listened to, and each class is given a threshold for a wanted rate."""
