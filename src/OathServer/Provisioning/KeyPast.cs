using Microsoft.EntityFrameworkCore;
using OathServer.Storage;

namespace OathServer.Provisioning;

/// <summary>A credential that a job put on a key, and where on it: an OTP slot, or a name in the OATH application.</summary>
internal sealed record CarriedCredential(Token Token, int? Slot, string Name)
{
    public bool IsAt(int? slot, string? name) => Slot is not null || slot is not null ? Slot == slot : Name == name;

    /// <summary>Whether it has to go when the key gets <paramref name="token"/> at that place for that holder: it is
    /// somebody else's, it is overwritten there, or it is the same credential at another place.</summary>
    public bool GivesWayTo(long? token, int? slot, string? name, long? holder) =>
        Token.Id == token ? !IsAt(slot, name) : Token.PersonId != holder || (token is not null && IsAt(slot, name));
}

/// <summary>What earlier jobs left on a key: credentials, and secrets of abandoned jobs that may be on it or not.</summary>
internal sealed record KeyPast(IReadOnlyList<CarriedCredential> Carried, IReadOnlySet<string> OpenSteps)
{
    public static readonly KeyPast None = new([], new HashSet<string>());

    public bool IsPukOpen => OpenSteps.Contains(StepNames.Puk);

    public bool IsPinOpen => OpenSteps.Contains(StepNames.Pin);

    public bool IsManagementKeyOpen => OpenSteps.Contains(StepNames.ManagementKey);

    /// <summary>Credentials to be deleted when the key gets <paramref name="token"/> at that place for that holder.</summary>
    public IEnumerable<CarriedCredential> Going(long? token, int? slot, string? name, long? holder) =>
        Carried.Where(c => c.GivesWayTo(token, slot, name, holder) && !(token is not null && c.IsAt(slot, name)));

    /// <summary>Tokens to be put out of use then: an earlier holder's, and one whose place is taken.</summary>
    public IEnumerable<Token> Retiring(KeyRecord? record, long? token, int? slot, string? name, long? holder) =>
        (record?.Tokens ?? []).Where(t => t.Id != token && t.Counter!.State != TokenState.Disabled
            && (t.PersonId != holder || Carried.Any(c => c.Token.Id == t.Id && c.GivesWayTo(token, slot, name, holder))));

    /// <summary>Steps of abandoned jobs whose secret may be on the key; one that the key refused is not.</summary>
    public static IQueryable<ProvisioningStep> OpenStepsOn(OathDbContext db, string cuid) =>
        db.Jobs.Where(j => j.Cuid == cuid && j.State == JobState.Abandoned).SelectMany(j => j.Steps)
            .Where(s => s.State == StepState.Intended && s.SealedNew != null && s.LastTried != ProbedValue.Refused);

    /// <summary>The past of a key; its record's tokens must be included.</summary>
    public static async Task<KeyPast> ReadAsync(OathDbContext db, KeyRecord? record, CancellationToken cancel)
    {
        if (record is null)
        {
            return None;
        }

        var open = await OpenStepsOn(db, record.Cuid).Select(s => s.Name).ToListAsync(cancel);
        var jobs = await db.Jobs.AsNoTracking()
            .Where(j => j.Cuid == record.Cuid && j.TokenId != null && j.State != JobState.Open
                && j.Steps.Any(s => s.Name == StepNames.Oath && (s.State == StepState.Intended || s.State == StepState.Done)))
            .OrderBy(j => j.StartedAt).ThenBy(j => j.Id)
            .Select(j => new
            {
                j.TokenId,
                j.PersonId,
                j.ProfileName,
                j.ProfileVersion,
                j.State,
                User = db.People.Where(p => p.Id == j.PersonId).Select(p => p.Name).FirstOrDefault(),
            }).ToListAsync(cancel);
        var carried = new List<CarriedCredential>();
        foreach (var job in jobs)
        {
            if (record.Tokens.Find(t => t.Id == job.TokenId) is not { } token
                || (await RolloutProfiles.VersionAsync(db, job.ProfileName, job.ProfileVersion, cancel))?.Decisions.Oath is not { } oath)
            {
                continue;
            }

            var put = new CarriedCredential(token, oath.Slot, ProvisioningPlan.OathNameOf(oath, token, job.User));
            carried.RemoveAll(c => c.IsAt(put.Slot, put.Name)
                // A confirmed job took away what had to go.
                || (job.State == JobState.Confirmed && c.GivesWayTo(token.Id, put.Slot, put.Name, job.PersonId)));
            carried.Add(put);
        }

        return new KeyPast(carried, open.ToHashSet(StringComparer.Ordinal));
    }
}
