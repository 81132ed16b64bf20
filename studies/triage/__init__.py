"""How long studies wait under an order of the worklist: arrivals replayed through readers, without a database.

``streams`` makes or reads arrivals, ``orders`` says who is taken next, ``simulation`` lets readers take them,
``comparison`` holds the orders against each other and against what triage promises, ``drawing`` draws the waits.
Responsible for the question whether triage by an AI does more good than harm; not for the worklist itself
(``studies.ranking``, ``studies.selectors.listing``), whose order ``orders.Ceiling`` repeats.
"""
