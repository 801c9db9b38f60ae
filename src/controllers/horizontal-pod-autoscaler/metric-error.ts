/** Why no size can be told from a metric; its message becomes a condition's and an event's. */
export class MetricError extends Error {}
