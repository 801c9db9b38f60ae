/** The service account that all simulated nodes act as. */
export const simulatedNodesAccount = 'simulated-nodes';
