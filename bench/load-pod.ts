// A pod of usual size, 2.6 KB of JSON before the server adds to it. Nobody schedules it.
export const loadPod = (index: number) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `pod-${index}`, labels: { app: `app-${index % 100}`, tier: 'load' } },
  spec: {
    schedulerName: 'nobody',
    automountServiceAccountToken: false,
    containers: [
      {
        name: 'main',
        image: 'example.invalid/app:1',
        env: Array.from({ length: 12 }, (_, at) => ({
          name: `VARIABLE_${at}`,
          value: `value-${index}-${'x'.repeat(40)}`,
        })),
        resources: { requests: { cpu: '10m', memory: '16Mi' } },
      },
    ],
  },
});
