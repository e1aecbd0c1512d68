namespace OathServer.Storage;

/// <summary>The two statements by which nodes keep out of one another's way. Given to the store, so that a test can take a
/// defence away and see that its checker notices.</summary>
/// <param name="Select">Locks and reads rows with their holders.</param>
/// <param name="Update">Writes what changed.</param>
/// <param name="SelectAlone">As <paramref name="Select"/>, without the holders, for batches in which none is asked for.</param>
internal sealed record CounterSql(string Select, string Update, string? SelectAlone = null)
{
    /// <summary>Locks the rows in the order of their ids. Whose token it is comes with the row, as another node may have
    /// changed it.</summary>
    public const string Lock =
        """
        SELECT c.token_id, c.counter, c.generation, c.state, c.flags, c.failures, c.locked_until, c.drift, c.last_accepted_at, c.last_request, t."PersonId"
        FROM token_counters c JOIN tokens t ON t."Id" = c.token_id
        WHERE c.token_id = ANY($1) ORDER BY c.token_id FOR UPDATE OF c
        """;

    /// <summary>As <see cref="Lock"/>, where nobody asks whose token it is: half the index look-ups.</summary>
    public const string LockAlone =
        """
        SELECT token_id, counter, generation, state, flags, failures, locked_until, drift, last_accepted_at, last_request
        FROM token_counters WHERE token_id = ANY($1) ORDER BY token_id FOR UPDATE
        """;

    /// <summary>The compare-and-set: a counter that is no longer what the decision saw is not overwritten, and the row
    /// count says so.</summary>
    public const string CompareAndSet =
        """
        UPDATE token_counters c SET counter = n.counter, state = n.state, flags = n.flags, failures = n.failures,
          locked_until = n.locked_until, drift = n.drift, last_accepted_at = n.last_accepted_at, last_request = n.last_request
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
          AS n(id, counter, state, flags, failures, locked_until, drift, last_accepted_at, last_request, seen, generation)
        WHERE c.token_id = n.id AND c.counter = n.seen AND c.generation = n.generation
        """;

    public static readonly CounterSql Own = new(Lock, CompareAndSet, LockAlone);
}
