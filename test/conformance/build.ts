// Builds the suite's programs and images, and no more.
import { ensureArchives } from './archives.ts';
import { ensurePrograms } from './programs.ts';

await ensurePrograms();
await ensureArchives();
