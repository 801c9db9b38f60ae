/** The Service that leads to the metrics server. */
export const metricsService = { namespace: 'kube-system', name: 'metrics-server' } as const;
