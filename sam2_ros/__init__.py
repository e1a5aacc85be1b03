"""SAM 2.1 object tracking for ROS 2: hold on to *that* object."""

import pkgutil

# The generated messages (sam2_ros.msg) may be installed in another place than these modules.
__path__ = pkgutil.extend_path(__path__, __name__)
__version__ = "0.1.0"
