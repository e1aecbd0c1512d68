namespace OathServer.Storage;

/// <summary>What makes the writer's transaction safe, in one place: its lock and its compare-and-set. Each holds alone;
/// a test takes one out at a time and sees what happens.</summary>
internal sealed record SqliteStatements
{
    public string Begin { get; init; } = "BEGIN IMMEDIATE";

    /// <summary>A counter that is no longer what the decision saw is not overwritten, and the row count says so.</summary>
    public string Update { get; init; } =
        "UPDATE token_counters SET counter = ?2, state = ?3, flags = ?4, failures = ?5, locked_until = ?6, drift = ?7, last_accepted_at = ?8, last_request = ?11 "
        + "WHERE token_id = ?1 AND counter = ?9 AND generation = ?10";

    public string Commit { get; init; } = "COMMIT";
}
