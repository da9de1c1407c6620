"""``python -m reference_services.notifications``"""

from reference_services.kit.service import run_service
from reference_services.notifications.app import SERVICE, wire

if __name__ == "__main__":
    raise SystemExit(run_service(SERVICE, wire))
