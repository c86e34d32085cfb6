"""What the results of a study say about its parameters: `ep.analysis.sensitivity(study, "heating_kwh")`.

Nothing is simulated here.
"""

from epstudy.analysis.indices import convergence as convergence
from epstudy.analysis.indices import interactions as interactions
from epstudy.analysis.indices import sensitivity as sensitivity
from epstudy.analysis.surrogates import Surrogate as Surrogate
from epstudy.analysis.surrogates import surrogate as surrogate

__all__ = ["Surrogate", "convergence", "interactions", "sensitivity", "surrogate"]
