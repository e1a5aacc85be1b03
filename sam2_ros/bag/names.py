"""Names of topics and storages, apart from what reads and writes them so that they load at once."""

CAMERA_TOPIC = "/camera/image_raw"
PROMPTS_TOPIC = "/prompts"
MASKS_TOPIC = "/sam2_tracker/masks"
OBJECTS_TOPIC = "/sam2_tracker/objects"
OVERLAY_TOPIC = "/sam2_tracker/overlay"
GROUND_TRUTH_TOPIC = "/ground_truth/masks"  # label images of made-up scenes

STORAGES = ("mcap", "sqlite3")
DEFAULT_STORAGE = "mcap"
