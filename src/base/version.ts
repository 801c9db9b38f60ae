/** This program's version; equal to package.json's, which a test checks. */
export const coracleVersion = '0.1.0';
/** The Kubernetes release whose API is served. */
export const kubernetesVersion = 'v1.36.3';
