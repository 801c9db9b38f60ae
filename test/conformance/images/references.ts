export const testImage = (name: string): string => `registry.k8s.io/e2e-test-images/${name}`;
