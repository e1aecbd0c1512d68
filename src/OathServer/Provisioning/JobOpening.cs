using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Provisioning.Steps;
using OathServer.Secrets;
using OathServer.Storage;
using OathServer.Tokens;

namespace OathServer.Provisioning;

/// <summary>What is wanted: which token (or the next free one of a batch) for whom.</summary>
internal sealed record Wanted(string? Profile, string? Serial, string? Batch, string? User, string? Realm, bool Force, bool PukOnly = false);

/// <summary>Everything that is known before anything is written.</summary>
internal sealed record Prospect(KnownProfile Profile, KeyLook Look, Token? Token, KeyRecord? Record, ProvisioningPlan Plan);

/// <summary>Looks up what a request means, makes the plan, and opens the job in one transaction.</summary>
internal sealed class JobOpening(
    RolloutProfiles profiles, TokenLife life, AuditTrail audit, FactsChanged factsChanged, KeySecrets secrets, Sealer sealer, TimeProvider time,
    WriteTurn? turn = null)
{
    /// <summary>What a job would do; a string when the request cannot be understood.</summary>
    public async Task<(Prospect? Prospect, string? Refusal)> ProspectAsync(OathDbContext db, KeyLook look, Wanted wanted, CancellationToken cancel)
    {
        var texts = look.Offered.Select(c => c.Text).ToList();
        var record = KeyIdentity.RecordOf(
            await db.Records.Include(r => r.Person).Where(r => texts.Contains(r.Cuid)).ToListAsync(cancel), look.Offered);
        var name = (wanted.PukOnly ? record?.ProfileName : wanted.Profile) ?? RolloutProfile.DefaultName;
        if (await profiles.CurrentAsync(db, name, cancel) is not { } profile)
        {
            return (null, $"There is no profile {name}.");
        }

        if (record is not null)
        {
            // The record's tokens are filled in by the context.
            await db.Tokens.Include(t => t.Counter).Include(t => t.Person).Where(t => t.Cuid == record.Cuid).LoadAsync(cancel);
            look = look with { Cuid = look.Offered.First(c => c.Text == record.Cuid) };
        }

        if (await db.Jobs.Where(j => j.OpenCuid == look.Cuid.Text).Select(j => (Guid?)j.Id).SingleOrDefaultAsync(cancel) is { } open)
        {
            return (null, $"Job {open} is open on key {look.Cuid}. Resume it, or abandon it first.");
        }

        if (record is { Status: KeyStatus.Lost or KeyStatus.Retired })
        {
            return (null, $"Key {look.Cuid} is recorded as {record.Status.ToString().ToLowerInvariant()}. Change its status first.");
        }

        var past = await KeyPast.ReadAsync(db, record, cancel);
        if (wanted.PukOnly)
        {
            return record is { PukMethod: not PukMethod.NotSet }
                ? (new Prospect(profile, look, null, record, ProvisioningPlan.MakePukOnly(profile, look, record, past)), null)
                : (null, $"No record of ours says the PUK of key {look.Cuid}. Provision the key.");
        }

        Token? token = null;
        if (profile.Decisions.Oath is not null)
        {
            token = await TokenAsync(db, look.Cuid.Text, wanted, cancel);
            if (token is null)
            {
                return (null, wanted.Serial is not null ? $"There is no token {wanted.Serial}; import its shipment first."
                    : $"Batch {wanted.Batch} has no token left that is free.");
            }

            if (RefusalOf(token, look.Cuid.Text, wanted.Force) is { } refusal)
            {
                return (null, refusal);
            }
        }

        var recipient = await RecipientAsync(db, wanted, token, cancel);
        if (recipient is null)
        {
            return (null, $"{wanted.User ?? token?.Person?.Name} left the organisation, so the directory says. Choose somebody else, or let the directory activate them.");
        }

        return (new Prospect(profile, look, token, record, ProvisioningPlan.Make(profile, look, token, record, past, recipient, wanted.Force)), null);
    }

    /// <summary>Opens the job: journal, record, token pending, audit entry, all or nothing; on a key that is new here with all
    /// that it may be given, which saves a flush of the disk. Null when somebody else was first, at the key or at the token.</summary>
    /// <exception cref="SecurityKeys.Cards.SmartCardException">The key was pulled; nothing was opened.</exception>
    public async Task<ProvisioningJob?> OpenAsync(
        OathDbContext db, Prospect prospect, Wanted wanted, AuditEvent actor, string driver, ReaderSession session, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        var (look, token) = (prospect.Look, prospect.Token);
        var job = new ProvisioningJob
        {
            Id = Guid.CreateVersion7(now),
            Cuid = look.Cuid.Text,
            OpenCuid = look.Cuid.Text,
            ProfileName = prospect.Profile.Name,
            ProfileVersion = prospect.Profile.Version,
            TokenId = token?.Id,
            IsPukOnly = wanted.PukOnly,
            StatusBefore = await StatusBeforeAsync(db, prospect.Record, wanted, cancel),
            Operator = actor.Actor,
            StartedAt = now,
            Lease = driver,
            LeaseUntil = now + Journal.LeaseTime,
        };
        foreach (var (index, step) in prospect.Plan.Steps.Index())
        {
            job.Steps.Add(new ProvisioningStep
            {
                JobId = job.Id,
                Ordinal = index + 1,
                Name = step.Name,
                State = step.SkipReason is null ? StepState.Planned : StepState.Skipped,
                Detail = step.SkipReason,
                ChangedAt = step.SkipReason is null ? null : now,
            });
        }

        var record = prospect.Record ?? new KeyRecord { Cuid = look.Cuid.Text, CuidSource = look.Cuid.Source.ToString(), Batch = token?.Batch };
        if (prospect.Record is null && session.External is null)
        {
            // Before anything of the job is tracked: making a PUK may save a secret of the server's own.
            var journal = new Journal(db, job, record, sealer, audit, time, driver, turn);
            await new Preparation(secrets).PrepareAsync(
                new JobInHand(session, look.Rules, journal, prospect.Profile, token, wanted.User ?? token?.Person?.Name), cancel);
        }

        var person = wanted.PukOnly ? prospect.Record!.Person : wanted.User is { } user
            ? await life.PersonAsync(db, wanted.Realm ?? token?.Realm ?? "default", user, cancel)
            : token?.Person;
        db.Jobs.Add(job);
        Enter(db, prospect, record, token, person, now);
        try
        {
            using var held = await WriteTurn.TakeAsync(turn, cancel);
            await using var transaction = await db.Database.BeginTransactionAsync(cancel);
            await audit.SaveAsync(db, cancel, actor with
            {
                Action = "provisioning.start",
                Outcome = "open",
                Cuid = job.Cuid,
                Serial = token?.Serial,
                UserName = person?.Name,
                Detail = $"profile {job.ProfileName} version {job.ProfileVersion}",
            });
            job.PersonId = person?.Id;
            await db.SaveChangesAsync(cancel);
            if (token is not null && await db.Counters.Where(c => c.TokenId == token.Id && c.State == token.Counter!.State)
                    .ExecuteUpdateAsync(c => c.SetProperty(x => x.State, TokenState.Pending), cancel) != 1)
            {
                return null;
            }

            if (job.Steps.Find(s => s is { Name: StepNames.FirstCode, State: StepState.Intended }) is { } firstCode)
            {
                // From here on nobody but this job moves the counter.
                firstCode.Before = await OathSteps.StartOfAsync(db, token!, prospect.Profile.Decisions.Oath!, cancel);
                await db.SaveChangesAsync(cancel);
            }

            await Holders.AlignAsync(db, db.Tokens.Where(t => t.Id == job.TokenId), cancel);
            await transaction.CommitAsync(cancel);
        }
        catch (DbUpdateException)
        {
            // The unique index on the open CUID: another request or node opened a job first.
            return null;
        }

        factsChanged.Announce();
        return job;
    }

    /// <summary>A renewal of the PUK that was abandoned put the key in doubt; the next one takes it back to where it was.</summary>
    private static async Task<KeyStatus?> StatusBeforeAsync(OathDbContext db, KeyRecord? record, Wanted wanted, CancellationToken cancel)
    {
        if (record is { Status: KeyStatus.InDoubt } && wanted.PukOnly
            && await db.Jobs.AsNoTracking().Where(j => j.Cuid == record.Cuid).OrderByDescending(j => j.StartedAt).FirstOrDefaultAsync(cancel)
                is { State: JobState.Abandoned, IsPukOnly: true } abandoned)
        {
            return abandoned.StatusBefore;
        }

        return record?.Status;
    }

    /// <summary>Null when the person left the organisation.</summary>
    private static async Task<Recipient?> RecipientAsync(OathDbContext db, Wanted wanted, Token? token, CancellationToken cancel)
    {
        var person = token?.Person;
        if (wanted.User is { } user)
        {
            var (realm, name) = (wanted.Realm ?? token?.Realm ?? "default", Person.Normalize(user));
            person = await db.People.SingleOrDefaultAsync(p => p.Realm == realm && p.NormalizedName == name, cancel);
        }

        return person is { Active: false } ? null
            : person is null && wanted.User is { } unknown ? new Recipient(unknown, 0)
            : new Recipient(person?.Name, person?.Id);
    }

    private static void Enter(OathDbContext db, Prospect prospect, KeyRecord record, Token? token, Person? person, DateTimeOffset now)
    {
        var look = prospect.Look;
        if (prospect.Record is null)
        {
            db.Records.Add(record);
        }

        record.DeviceSerial = look.DeviceSerial;
        record.Model = look.Model;
        record.Firmware = look.Firmware?.ToString();
        record.Status = KeyStatus.InProvisioning;
        if (record.ProvisionedAt is null)
        {
            // A key in somebody's hands changes its holder with the job's confirmation, not before.
            record.Person = person;
        }

        record.Batch = token?.Batch ?? record.Batch;
        record.UpdatedAt = now;
        if (token is not null)
        {
            token.Cuid = record.Cuid;
            token.Person = person;
        }
    }

    private static Task<Token?> TokenAsync(OathDbContext db, string cuid, Wanted wanted, CancellationToken cancel)
    {
        var tokens = db.Tokens.Include(t => t.Counter).Include(t => t.Person);
        if (wanted.Serial is { } serial)
        {
            return tokens.SingleOrDefaultAsync(t => t.Serial == serial, cancel);
        }

        var name = wanted.User is null ? null : Person.Normalize(wanted.User);
        return tokens
            .Where(t => t.Batch == wanted.Batch && t.DisabledReason == null
                && (t.Cuid == null ? t.Counter!.State == TokenState.Imported
                    // What a key carries for nobody goes to its next holder.
                    : t.Cuid == cuid && t.PersonId == null && t.Counter!.State == TokenState.Active)
                && (t.PersonId == null || t.Person!.NormalizedName == name))
            .OrderBy(t => t.Cuid == null).ThenBy(t => t.PersonId == null).ThenBy(t => t.Serial).FirstOrDefaultAsync(cancel);
    }

    private static string? RefusalOf(Token token, string cuid, bool force) => token switch
    {
        { Cuid: { } other } when other != cuid => $"Token {token.Serial} is on key {other}. A secret belongs on one key: reseed it, or take another token.",
        { Counter.State: TokenState.Imported } => null,
        { Cuid: not null, Counter.State: TokenState.Active or TokenState.Suspended } => null,
        { Counter.State: TokenState.Active } => force ? null
            : $"Token {token.Serial} is in use without a record of its key. Send force if this is that key; two keys would share a secret otherwise.",
        _ => $"Token {token.Serial} is {token.Counter!.State.ToString().ToLowerInvariant()} and cannot be provisioned.",
    };
}
