/** What can be said of a container. */
export const settingNames = [
  'start-seconds',
  'ready-seconds',
  'run-seconds',
  'stop-seconds',
  'exit-code',
  'failure-rate',
  'fail-seconds',
  'cpu',
  'memory',
] as const;
export type SettingName = (typeof settingNames)[number];
