/** Why a volume is not there, with the reason and message of the event that tells it. */
export class VolumeFailure extends Error {
  readonly reason: string;

  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'VolumeFailure';
    this.reason = reason;
  }
}
