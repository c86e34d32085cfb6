"""What the results of a study say about its parameters: `ep.analysis.sensitivity(study, "heating_kwh")`.

Nothing is simulated here.
"""

from epstudy.analysis.indices import convergence as convergence
from epstudy.analysis.indices import interactions as interactions
from epstudy.analysis.indices import sensitivity as sensitivity

__all__ = ["convergence", "interactions", "sensitivity"]
