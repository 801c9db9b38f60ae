// The kernel ran out of memory as a whole: what it killed was not over a limit of its own.

const begin = /invoked oom-killer:/;
const killedInGroup = /,oom_memcg=([^,]*),task_memcg=[^,]*,task=([^,]*),pid=(\d+),uid=/;
const killedOverLimit = /Task in .* killed as a result of limit of (.*)/;
const killed = /Killed process (\d+) \((.+)\)/;

/** Reads the lines of the kernel's log in order. */
export class SystemOomReader {
  /** The group that was short of memory; undefined between two reports. */
  #group: string | undefined;

  /** @returns the event's message, at the last line of a report about the whole machine */
  hear(text: string): string | undefined {
    if (begin.test(text)) this.#group = '/';
    if (this.#group === undefined) return undefined;
    const inGroup = killedInGroup.exec(text);
    if (inGroup) return this.#end(inGroup[1]!, inGroup[2]!, inGroup[3]!);
    const overLimit = killedOverLimit.exec(text);
    if (overLimit) this.#group = overLimit[1]!;
    const last = killed.exec(text);
    return last ? this.#end(this.#group, last[2]!, last[1]!) : undefined;
  }

  #end(group: string, program: string, pid: string): string | undefined {
    this.#group = undefined;
    return group === '/' ? `System OOM encountered, victim process: ${program}, pid: ${pid}` : undefined;
  }
}
