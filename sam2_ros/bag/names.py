"""Names of topics and storages, apart from what reads and writes them so that they load at once."""

CAMERA_TOPIC = "/camera/image_raw"
PROMPTS_TOPIC = "/prompts"
MASKS_TOPIC = "/sam2_tracker/masks"
OBJECTS_TOPIC = "/sam2_tracker/objects"
OVERLAY_TOPIC = "/sam2_tracker/overlay"
DETECTIONS_3D_TOPIC = "/sam2_tracker/detections_3d"
POINTS_TOPIC = "/sam2_tracker/points"
TF_TOPIC, TF_STATIC_TOPIC = "/tf", "/tf_static"
# Of made-up scenes with depth.
CAMERA_INFO_TOPIC = "/camera/camera_info"
DEPTH_TOPIC = "/camera/depth_registered/image_raw"
GROUND_TRUTH_3D_TOPIC = "/ground_truth/detections_3d"  # in the camera's frame; with /map behind it, in the map's
GROUND_TRUTH_TOPIC = "/ground_truth/masks"  # label images of made-up scenes

STORAGES = ("mcap", "sqlite3")
DEFAULT_STORAGE = "mcap"
