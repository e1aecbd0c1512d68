namespace OathServer.Validation;

/// <summary>Every refusal leaves at a whole step of time after its request came, whatever it took to find the reason: an
/// unknown user, a wrong code, a throttled and a suspended token cannot be told apart by a stopwatch (bench <c>timing</c>).
/// It also makes each guess wait.</summary>
internal static class RefusalPace
{
    /// <summary>Milliseconds. The reasons differ by some tens of microseconds, so that all but the few near a step's end
    /// leave at the same one.</summary>
    private const int Step = 10;

    /// <summary>Now, as <see cref="UntilStepAsync"/> takes it: milliseconds of a clock that nobody sets, the one timers go by.</summary>
    public static long Now => Environment.TickCount64;

    /// <summary>Ends at the next whole step after the request came. A caller who hangs up meanwhile changes nothing.</summary>
    /// <param name="arrivedAt">When it came, of <see cref="Now"/>.</param>
    public static Task UntilStepAsync(long arrivedAt) => Task.Delay(Step - (int)((Now - arrivedAt) % Step), CancellationToken.None);
}
