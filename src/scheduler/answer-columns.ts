// The columns of one shape's answers. They are large, and shapes that are seen once come and go: columns are used again.
import { grown } from './node-columns.ts';

export class AnswerColumns {
  /** By row: the version of the node that was asked; 0: never. */
  nodeSeen = new Uint32Array(0);
  roomSeen = new Uint32Array(0);
  nodeVerdict = new Uint16Array(0);
  roomVerdict = new Uint16Array(0);
  nodeScore = new Float32Array(0);
  roomScore = new Float32Array(0);

  get capacity(): number {
    return this.nodeSeen.length;
  }

  grow(capacity: number): void {
    this.nodeSeen = grown(this.nodeSeen, capacity);
    this.roomSeen = grown(this.roomSeen, capacity);
    this.nodeVerdict = grown(this.nodeVerdict, capacity);
    this.roomVerdict = grown(this.roomVerdict, capacity);
    this.nodeScore = grown(this.nodeScore, capacity);
    this.roomScore = grown(this.roomScore, capacity);
  }

  /** Every node is asked again. */
  forget(): void {
    this.nodeSeen.fill(0);
    this.roomSeen.fill(0);
  }
}
