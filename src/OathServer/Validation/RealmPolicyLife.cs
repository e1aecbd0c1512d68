using System.Globalization;
using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Storage;

namespace OathServer.Validation;

/// <summary>What an edit of a realm's policy came to.</summary>
internal abstract record PolicyEdit
{
    private PolicyEdit()
    {
    }

    /// <summary>It is stored, in the trail, and holds on this node.</summary>
    public sealed record Saved(int Version) : PolicyEdit;

    /// <summary>Somebody else changed it since; <paramref name="Version"/> is stored now, 0 for none.</summary>
    public sealed record Conflict(int Version) : PolicyEdit;
}

/// <summary>Changes the policies of realms; each act with its audit entry in one transaction.</summary>
internal sealed class RealmPolicyLife(RealmPolicies policies, AuditTrail audit, FactsChanged changed, TimeProvider time)
{
    public const int RealmMax = 256;

    /// <summary>What is wrong with a realm's name; null when nothing is.</summary>
    public static string? FaultOf(string realm) =>
        realm.Length is 0 or > RealmMax || realm.Any(char.IsControl) || realm.Trim() != realm
            ? $"1 to {RealmMax} characters, no control characters, no blanks at its ends." : null;

    /// <summary>Stores a policy in which <see cref="ValidationPolicy.Faults"/> found nothing. The version is the one that was
    /// edited, 0 for none stored yet; null to write over whatever is there.</summary>
    public async Task<PolicyEdit> SetAsync(
        OathDbContext db, string realm, ValidationPolicy wanted, int? version, AuditEvent actor, CancellationToken cancel)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        // Whoever edits waits for whoever edits: what is compared is what is changed.
        await AuditTrail.LockAsync(db, cancel);
        var row = await db.RealmPolicies.SingleOrDefaultAsync(p => p.Realm == realm, cancel);
        if (version is { } edited && edited != (row?.Version ?? 0))
        {
            return new PolicyEdit.Conflict(row?.Version ?? 0);
        }

        var before = row is null ? policies.Defaults : policies.Defaults.With(row);
        if (row is null)
        {
            row = new RealmPolicy { Realm = realm, ChangedBy = actor.Actor };
            db.RealmPolicies.Add(row);
        }

        wanted.WriteTo(row);
        row.Version++;
        (row.ChangedBy, row.ChangedAt) = (actor.Actor, time.GetUtcNow());
        await audit.SaveAsync(db, cancel, actor with { Action = "policy.set", Outcome = "done", Detail = $"realm {realm}: {Difference(before, wanted)}" });
        await transaction.CommitAsync(cancel);
        await HoldAsync();
        return new PolicyEdit.Saved(row.Version);
    }

    /// <summary>The realm follows the settings again; false when it does already.</summary>
    public async Task<bool> ResetAsync(OathDbContext db, string realm, AuditEvent actor, CancellationToken cancel)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        await AuditTrail.LockAsync(db, cancel);
        if (await db.RealmPolicies.SingleOrDefaultAsync(p => p.Realm == realm, cancel) is not { } row)
        {
            return false;
        }

        db.RealmPolicies.Remove(row);
        var detail = $"realm {realm} follows the settings: {Difference(policies.Defaults.With(row), policies.Defaults)}";
        await audit.SaveAsync(db, cancel, actor with { Action = "policy.reset", Outcome = "done", Detail = detail });
        await transaction.CommitAsync(cancel);
        await HoldAsync();
        return true;
    }

    private async Task HoldAsync()
    {
        // It is stored: whether its caller still waits changes nothing.
        await policies.ReloadAsync(CancellationToken.None);
        changed.Announce();
    }

    private static string Difference(ValidationPolicy before, ValidationPolicy after)
    {
        var moved = before.Values().Zip(after.Values()).Where(pair => pair.First != pair.Second)
            .Select(pair => string.Create(CultureInfo.InvariantCulture, $"{pair.First.Name} {pair.First.Value} to {pair.Second.Value}"));
        var text = string.Join(", ", moved);
        return string.Create(
            CultureInfo.InvariantCulture, $"{(text.Length == 0 ? "nothing moved" : text)}; a guess hits with 1 in {1 / after.ChanceOfAGuess():N0}");
    }
}
