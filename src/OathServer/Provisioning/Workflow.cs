using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Provisioning.Steps;
using OathServer.Storage;
using SecurityKeys.Cards;

namespace OathServer.Provisioning;

/// <summary>What came of a request.</summary>
internal abstract record StartOutcome
{
    private StartOutcome()
    {
    }

    /// <summary>The plan of a dry run.</summary>
    public sealed record Planned(Prospect Prospect) : StartOutcome;

    /// <summary>A job was opened, or taken up again; <see cref="Running"/> ends with it.</summary>
    public sealed record Started(Guid Job, Task Running) : StartOutcome;

    /// <summary>Nothing was written.</summary>
    public sealed record Refused(string What, string Next, IReadOnlyList<string> Reasons) : StartOutcome;

    /// <summary>Somebody else is at the key or at the job now.</summary>
    public sealed record Busy(string What) : StartOutcome;
}

/// <summary>The way a key is provisioned: look, plan, open the job, drive it; or take up a job where it stopped.</summary>
internal sealed class Workflow(
    KeyReaders readers, JobOpening opening, IServiceScopeFactory scopes, IHostApplicationLifetime lifetime)
{
    // A process of its own name: on SQLite one process owns the database, so leases of others are of the dead.
    private readonly string process = $"{Environment.MachineName}/{Guid.NewGuid():N}/";
    private readonly ConcurrentDictionary<string, bool> driving = new(StringComparer.Ordinal);

    /// <summary>Plans, and unless it is a dry run opens the job and drives it.</summary>
    public async Task<StartOutcome> StartAsync(
        OathDbContext db, string reader, Wanted wanted, bool dryRun, AuditEvent actor, CancellationToken cancel)
    {
        var (session, fault) = await TryOpenAsync(reader, cancel);
        if (fault is not null)
        {
            return fault;
        }

        var kept = false;
        var driver = "";
        try
        {
            var look = await KeyLook.ReadAsync(session!, cancel);
            var (prospect, refusal) = await opening.ProspectAsync(db, look, wanted, cancel);
            if (prospect is null)
            {
                return new StartOutcome.Refused(refusal!, "Nothing was written to the key.", []);
            }

            if (dryRun)
            {
                return new StartOutcome.Planned(prospect);
            }

            if (!prospect.Plan.Possible)
            {
                return new StartOutcome.Refused(prospect.Plan.Refusals[0], "Nothing was written to the key.", prospect.Plan.Refusals);
            }

            if (look.Offered.Count == 0)
            {
                // A record needs a key to stand under. A CHUID is no secret: whatever happens now, the next look finds it.
                IdentityStep.WriteFirst(session!.Card);
                (prospect, refusal) = await opening.ProspectAsync(db, KeyLook.Read(session.Card), wanted, cancel);
                if (prospect is not { Plan.Possible: true })
                {
                    return new StartOutcome.Refused(refusal ?? prospect!.Plan.Refusals[0], "Only a CHUID was written to the card.", []);
                }
            }

            driver = NewDriver();
            if (await opening.OpenAsync(db, prospect, wanted, actor, driver, session!, cancel) is not { } job)
            {
                return new StartOutcome.Busy("Somebody else opened a job on this key or took the token a moment ago.");
            }

            kept = true;
            return new StartOutcome.Started(job.Id, DriveAsync(session!, job.Id, prospect.Profile, actor, driver, isFirst: true));
        }
        catch (SmartCardException pulled)
        {
            return new StartOutcome.Refused(pulled.Message, "Nothing was written to the key.", []);
        }
        finally
        {
            if (!kept)
            {
                Release(session!, driver);
            }
        }
    }

    /// <summary>Takes an open job up again with the key in <paramref name="reader"/>, or in whichever reader it is.</summary>
    public async Task<StartOutcome> ResumeAsync(
        OathDbContext db, ProvisioningJob job, string? reader, AuditEvent actor, CancellationToken cancel,
        string? typedCode = null)
    {
        var record = await db.Records.AsNoTracking().SingleAsync(r => r.Cuid == job.Cuid, cancel);
        foreach (var name in reader is not null ? [reader] : (await readers.ListAsync(cancel)).Where(r => r.HasKey).Select(r => r.Name))
        {
            var (session, fault) = await TryOpenAsync(name, cancel);
            if (fault is not null)
            {
                if (reader is not null)
                {
                    return fault;
                }

                continue;
            }

            if (await ResumeOnAsync(db, job, session!, record, actor, typedCode, cancel) is { } outcome)
            {
                return outcome;
            }
        }

        return new StartOutcome.Refused($"Key {job.Cuid} is in none of the readers.", "Insert that very key, then resume.", []);
    }

    /// <summary>Null when another key is there. The reader is free again unless the job runs, also when the storage fails or the
    /// caller goes away in the middle.</summary>
    private async Task<StartOutcome?> ResumeOnAsync(
        OathDbContext db, ProvisioningJob job, ReaderSession session, KeyRecord record, AuditEvent actor, string? typedCode, CancellationToken cancel)
    {
        var kept = false;
        var driver = "";
        try
        {
            if (!await HoldsAsync(session, record, cancel))
            {
                return null;
            }

            driver = NewDriver();
            if (!await TakeAsync(db, job.Id, driver, cancel))
            {
                return new StartOutcome.Busy("The job is being driven now.");
            }

            var profile = await RolloutProfiles.VersionAsync(db, job.ProfileName, job.ProfileVersion, cancel)
                ?? throw new InvalidOperationException($"Profile {job.ProfileName} version {job.ProfileVersion} is missing.");
            kept = true;
            return new StartOutcome.Started(job.Id, DriveAsync(session, job.Id, profile, actor, driver, typedCode));
        }
        finally
        {
            if (!kept)
            {
                Release(session, driver);
            }
        }
    }

    private void Release(ReaderSession session, string driver)
    {
        driving.TryRemove(driver, out _);
        session.Dispose();
    }

    /// <summary>One statement decides who drives; a lease that ran out, or one of a driver that is known to be gone (of
    /// this process, or of any other where one process owns the database), is free.</summary>
    private async Task<bool> TakeAsync(OathDbContext db, Guid id, string driver, CancellationToken cancel)
    {
        var now = TimeProvider.System.GetUtcNow();
        DateTimeOffset? until = now + Journal.LeaseTime;
        var single = !db.Database.IsNpgsql();
        var lease = await db.Jobs.Where(j => j.Id == id).Select(j => j.Lease).SingleOrDefaultAsync(cancel);
        var gone = lease is not null
            && (lease.StartsWith(process, StringComparison.Ordinal) ? !driving.ContainsKey(lease) : single) ? lease : null;
        return await db.Jobs
            .Where(j => j.Id == id && j.State == JobState.Open
                && (j.LeaseUntil == null || j.LeaseUntil < now || (gone != null && j.Lease == gone)))
            .ExecuteUpdateAsync(j => j.SetProperty(x => x.Lease, driver).SetProperty(x => x.LeaseUntil, until), cancel) == 1;
    }

    /// <summary>On a thread of the pool, in a scope of its own: a caller that goes away does not stop a half-written key.</summary>
    private Task DriveAsync(ReaderSession session, Guid id, KnownProfile profile, AuditEvent actor, string driver, string? typedCode = null, bool isFirst = false) => Task.Run(async () =>
    {
        try
        {
            using (session)
            {
                await using var scope = scopes.CreateAsyncScope();
                await scope.ServiceProvider.GetRequiredService<JobRun>().RunAsync(
                    scope.ServiceProvider.GetRequiredService<OathDbContext>(), id, profile, session, actor, driver, typedCode,
                    isFirst, lifetime.ApplicationStopping);
            }
        }
        finally
        {
            driving.TryRemove(driver, out _);
        }
    });

    private string NewDriver()
    {
        var driver = process + Guid.NewGuid().ToString("N");
        driving[driver] = true;
        return driver;
    }

    private async Task<(ReaderSession? Session, StartOutcome? Fault)> TryOpenAsync(string reader, CancellationToken cancel)
    {
        try
        {
            var session = await readers.OpenAsync(reader, cancel);
            return (session, session is null ? new StartOutcome.Busy($"The key in {reader} is being provisioned now.") : null);
        }
        catch (SmartCardException fault)
        {
            return (null, new StartOutcome.Refused(fault.Message, "GET /v1/readers lists the readers and which hold a key.", []));
        }
    }

    private static async Task<bool> HoldsAsync(ReaderSession session, KeyRecord record, CancellationToken cancel)
    {
        try
        {
            return KeyIdentity.IsKeyOf(record, await session.OfferedAsync(cancel));
        }
        catch (SmartCardException)
        {
            return false;
        }
    }
}
