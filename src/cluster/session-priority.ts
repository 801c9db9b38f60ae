// Linux deals the processors out by session where nothing else does it (autogroups): a server with many threads gets no more
// than any shell. A session that serves all others comes before them, as a node keeps processors for its control plane.
import { readFileSync, writeFileSync } from 'node:fs';

/** As `nice` has it, for the session as a whole: three times the weight of another. Threads and pods keep their own. */
const sessionNice = -5;

/** Asks for it when this process has a session of its own. Without the right to it, or without autogroups, all is as before. */
export function raiseOwnSession(folder = '/proc/self'): boolean {
  try {
    const stat = readFileSync(`${folder}/stat`, 'utf8');
    // pid (name) state parent group session …; a name may hold blanks and parentheses.
    const session = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]);
    if (session !== Number.parseInt(stat, 10)) return false;
    writeFileSync(`${folder}/autogroup`, String(sessionNice));
    return true;
  } catch {
    return false;
  }
}
