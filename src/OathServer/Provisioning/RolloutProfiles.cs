using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Storage;

namespace OathServer.Provisioning;

/// <summary>A profile with its version.</summary>
internal sealed record KnownProfile(string Name, int Version, RolloutProfile Decisions, string EditedBy, DateTimeOffset EditedAt);

/// <summary>Reads and adds versions of rollout profiles. The default is written when it is first asked for, so that its
/// version is on record like any other.</summary>
internal sealed class RolloutProfiles(AuditTrail audit, TimeProvider time)
{
    private static readonly JsonSerializerOptions Json = MakeJson();

    /// <summary>The newest version of a profile; null when there is none of that name.</summary>
    public async Task<KnownProfile?> CurrentAsync(OathDbContext db, string name, CancellationToken cancel)
    {
        var newest = await db.Profiles.AsNoTracking().Where(p => p.Name == name)
            .OrderByDescending(p => p.Version).FirstOrDefaultAsync(cancel);
        if (newest is null && name == RolloutProfile.DefaultName)
        {
            return await AddAsync(db, name, expected: 0, new RolloutProfile(), new AuditEvent("server", "", ""), cancel)
                ?? await CurrentAsync(db, name, cancel);
        }

        return newest is null ? null : Open(newest);
    }

    /// <summary>A stated version: the one a job or a record was made with.</summary>
    public static async Task<KnownProfile?> VersionAsync(OathDbContext db, string name, int version, CancellationToken cancel) =>
        await db.Profiles.AsNoTracking().SingleOrDefaultAsync(p => p.Name == name && p.Version == version, cancel) is { } found
            ? Open(found)
            : null;

    /// <summary>Whether the credential on a key is named after its user: then it cannot become another's as it is.</summary>
    public static async Task<bool> CarriesUserAsync(OathDbContext db, KeyRecord record, CancellationToken cancel) =>
        await VersionAsync(db, record.ProfileName!, record.ProfileVersion, cancel) is { Decisions.Oath: { } oath }
        && oath.Name.Contains("{user}", StringComparison.Ordinal);

    /// <summary>The newest version of every profile.</summary>
    public async Task<List<KnownProfile>> AllAsync(OathDbContext db, CancellationToken cancel)
    {
        _ = await CurrentAsync(db, RolloutProfile.DefaultName, cancel);
        return await NewestAsync(db, cancel);
    }

    /// <summary>As above; the default profile is left out while nobody has used it.</summary>
    public static async Task<List<KnownProfile>> NewestAsync(OathDbContext db, CancellationToken cancel)
    {
        var all = await db.Profiles.AsNoTracking().OrderBy(p => p.Name).ThenByDescending(p => p.Version).ToListAsync(cancel);
        return [.. all.DistinctBy(p => p.Name).Select(Open)];
    }

    /// <summary>Adds the version after <paramref name="expected"/>; null when somebody else added one meanwhile.</summary>
    public async Task<KnownProfile?> AddAsync(
        OathDbContext db, string name, int expected, RolloutProfile decisions, AuditEvent actor, CancellationToken cancel)
    {
        var row = new RolloutProfileVersion
        {
            Name = name,
            Version = expected + 1,
            Decisions = JsonSerializer.Serialize(decisions, Json),
            EditedBy = actor.Actor,
            EditedAt = time.GetUtcNow(),
        };
        var entry = db.Profiles.Add(row);
        try
        {
            await audit.SaveAsync(db, cancel, actor with { Action = "profile.edit", Outcome = "done", Detail = $"{name} version {row.Version}" });
            return Open(row);
        }
        catch (DbUpdateException)
        {
            entry.State = EntityState.Detached;
            db.ChangeTracker.Clear();
            return null;
        }
    }

    private static KnownProfile Open(RolloutProfileVersion row) => new(
        row.Name, row.Version, JsonSerializer.Deserialize<RolloutProfile>(row.Decisions, Json)!, row.EditedBy, row.EditedAt);

    private static JsonSerializerOptions MakeJson()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web);
        HttpFront.Strict(options);
        options.RespectRequiredConstructorParameters = false;
        return options;
    }
}
