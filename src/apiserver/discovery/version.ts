// What the server says it is. Clients choose what they send by major and minor.
import { arch, platform } from 'node:process';

export const gitVersion = 'v1.36.3';

const goArch: Record<string, string> = { x64: 'amd64', ia32: '386' };

export function versionInfo() {
  return {
    major: '1',
    minor: '36',
    emulationMajor: '1',
    emulationMinor: '36',
    minCompatibilityMajor: '1',
    minCompatibilityMinor: '35',
    gitVersion,
    gitCommit: 'coracle',
    gitTreeState: 'clean',
    buildDate: '2026-01-01T00:00:00Z',
    goVersion: 'go1.26',
    compiler: 'gc',
    platform: `${platform}/${goArch[arch] ?? arch}`,
  };
}
