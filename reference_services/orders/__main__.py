"""``python -m reference_services.orders``"""

from reference_services.kit.service import run_service
from reference_services.orders.app import SERVICE, wire

if __name__ == "__main__":
    raise SystemExit(run_service(SERVICE, wire))
