namespace OathServer.Fault.Tests.History;

/// <summary>What a client meant by a code.</summary>
internal enum Meaning : byte
{
    /// <summary>The next counter, or one within the look-ahead window.</summary>
    Right,

    /// <summary>A code that was accepted before, as far as the client knows.</summary>
    Replayed,

    /// <summary>A code of no counter.</summary>
    Wrong,
}

/// <summary>What came back.</summary>
internal enum Answer : byte
{
    /// <summary>No reply: the connection broke, so it may or may not have been accepted.</summary>
    Lost,
    Accepted,
    Refused,

    /// <summary>503: nothing was accepted that the client may rely on, nothing is said of the counter.</summary>
    Unavailable,

    /// <summary>Anything else, a fault of the server.</summary>
    Other,
}

/// <summary>One request as its client saw it. Times are ticks of one monotonic clock.</summary>
internal readonly record struct Attempt(
    int Token, long Counter, Meaning Meaning, Answer Answer, long Started, long Ended, int Node);

/// <summary>An act of staff, numbered upwards for each subject; the state it sets carries the number.</summary>
internal readonly record struct Act(int Subject, long Number, bool Acknowledged);

/// <summary>All that the clients saw, and what stood in the database afterwards.</summary>
internal sealed record ClientHistory(
    IReadOnlyList<Attempt> Attempts, IReadOnlyList<Act> Acts,
    IReadOnlyDictionary<int, long> CountersAfter, IReadOnlyDictionary<int, long> ActsAfter);
