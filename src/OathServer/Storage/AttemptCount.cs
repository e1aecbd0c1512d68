namespace OathServer.Storage;

/// <summary>How many attempts of one kind a node logged in an hour: what charts are drawn from, as the log itself is packed
/// and has no index by time. Whose they were is not in it.</summary>
internal sealed class AttemptCount
{
    /// <summary>Hours since 1970-01-01 UTC.</summary>
    public int Hour { get; set; }

    public int Node { get; set; }

    /// <summary>How many codes ahead an accepted one was, up to <see cref="FarAhead"/>; <see cref="Other"/> and
    /// <see cref="Refused"/> else.</summary>
    public int Kind { get; set; }

    public long Count { get; set; }

    /// <summary>This far ahead or farther.</summary>
    public const int FarAhead = 101;

    /// <summary>Let in without a distance: a repetition, the old server's word.</summary>
    public const int Other = 200;

    public const int Refused = 300;

    /// <summary>No attempt to get in: an unlock.</summary>
    public const int Neither = 400;

    /// <summary>The hour of a time.</summary>
    public static int HourOf(DateTimeOffset at) => (int)(at.ToUnixTimeSeconds() / 3600);
}

/// <summary>Up to which row of a node's log attempts are counted.</summary>
internal sealed class AttemptsCounted
{
    public int Node { get; set; }

    public long Sequence { get; set; }
}
