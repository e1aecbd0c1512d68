using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Provisioning;
using OathServer.Storage;

namespace OathServer.Desk;

/// <summary>Desk agents: enrolled by a code that works once, connected by a credential of their own, revoked.</summary>
internal sealed class DeskAgents(ApiKeys hashes, KeyReaders readers, AuditTrail audit, TimeProvider time)
{
    /// <summary>How long an enrolment code works.</summary>
    public static readonly TimeSpan EnrolmentLife = TimeSpan.FromMinutes(15);

    // 160 bits in Base32: typed off a screen, guessed by nobody.
    private const int CodeBytes = 20;
    private const int CredentialBytes = 32;
    private const string Base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    private readonly ConcurrentDictionary<Guid, AgentLine> lines = new();

    public bool IsConnected(Guid agent) => lines.ContainsKey(agent);

    /// <summary>A code for a new agent of that name; null when the name is taken by one that is not revoked.</summary>
    public async Task<(DeskAgent Agent, string Code)?> InviteAsync(OathDbContext db, string name, AuditEvent actor, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        if (await db.Agents.AnyAsync(a => a.Name == name && a.RevokedAt == null && (a.CredentialHash != null || a.EnrolmentUntil > now), cancel))
        {
            return null;
        }

        var code = RandomNumberGenerator.GetString(Base32, CodeBytes * 8 / 5);
        var agent = new DeskAgent
        {
            Id = Guid.CreateVersion7(now),
            Name = name,
            EnrolmentHash = await HashAsync(db, "agent-code", code, cancel),
            EnrolmentUntil = now + EnrolmentLife,
            CreatedBy = actor.Actor,
            CreatedAt = now,
        };
        db.Agents.Add(agent);
        await audit.SaveAsync(db, cancel, actor with { Action = "agent.invite", Outcome = "done", Detail = name });
        return (agent, code);
    }

    /// <summary>Changes a code for a credential, once; null when it is unknown, used or too old.</summary>
    public async Task<(string Name, string Credential)?> EnrolAsync(OathDbContext db, string code, string? origin, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        var hash = await HashAsync(db, "agent-code", code.Trim().ToUpperInvariant(), cancel);
        var credential = Convert.ToHexString(RandomNumberGenerator.GetBytes(CredentialBytes));
        var stored = await HashAsync(db, "agent-credential", credential, cancel);
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        // One statement decides: two that send the same code at once are told apart here.
        var taken = await db.Agents.Where(a => a.EnrolmentHash == hash && a.EnrolmentUntil > now && a.RevokedAt == null).ExecuteUpdateAsync(
            a => a.SetProperty(x => x.EnrolmentHash, (byte[]?)null).SetProperty(x => x.CredentialHash, stored).SetProperty(x => x.EnrolledAt, now), cancel);
        if (taken != 1)
        {
            await audit.SaveAsync(db, cancel, new AuditEvent("unknown", "agent.enrol", "refused") { Origin = origin });
            await transaction.CommitAsync(cancel);
            return null;
        }

        var name = await db.Agents.Where(a => a.CredentialHash == stored).Select(a => a.Name).SingleAsync(cancel);
        await audit.SaveAsync(db, cancel, new AuditEvent(name, "agent.enrol", "done") { Origin = origin, Detail = name });
        await transaction.CommitAsync(cancel);
        return (name, credential);
    }

    /// <summary>The agent of a credential; null when there is none or it was revoked.</summary>
    public async Task<DeskAgent?> RecogniseAsync(OathDbContext db, string credential, CancellationToken cancel)
    {
        if (credential.Length != CredentialBytes * 2)
        {
            return null;
        }

        var hash = await HashAsync(db, "agent-credential", credential, cancel);
        return await db.Agents.AsNoTracking().SingleOrDefaultAsync(a => a.CredentialHash == hash && a.RevokedAt == null, cancel);
    }

    /// <summary>Ends an agent for good and drops its line; false when there is none.</summary>
    public async Task<bool> RevokeAsync(OathDbContext db, Guid id, AuditEvent actor, CancellationToken cancel)
    {
        var agent = await db.Agents.SingleOrDefaultAsync(a => a.Id == id, cancel);
        if (agent is null)
        {
            return false;
        }

        agent.RevokedAt ??= time.GetUtcNow();
        agent.EnrolmentHash = null;
        await audit.SaveAsync(db, cancel, actor with { Action = "agent.revoke", Outcome = "done", Detail = agent.Name });
        if (lines.TryGetValue(id, out var line))
        {
            line.Abort();
        }

        return true;
    }

    /// <summary>Serves an agent's line until it drops. A newer line of the same agent ends the older one.</summary>
    public async Task ServeAsync(DeskAgent agent, WebSocket socket, IServiceScopeFactory scopes, CancellationToken cancel)
    {
        using var line = new AgentLine(socket, agent.Name, readers);
        lines.AddOrUpdate(agent.Id, line, (_, older) =>
        {
            older.Abort();
            return line;
        });
        try
        {
            await line.RunAsync(() => SeenAsync(agent.Id, scopes, cancel), cancel);
        }
        catch (Exception fault) when (fault is FrameException or WebSocketException or OperationCanceledException)
        {
            // The line is gone; its keys were pulled, and the jobs on them say so.
        }
        finally
        {
            lines.TryRemove(KeyValuePair.Create(agent.Id, line));
        }
    }

    /// <summary>Also finds a revocation that another node was told of.</summary>
    private async Task<bool> SeenAsync(Guid id, IServiceScopeFactory scopes, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        await using var scope = scopes.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<OathDbContext>().Agents.Where(a => a.Id == id && a.RevokedAt == null)
            .ExecuteUpdateAsync(a => a.SetProperty(x => x.LastSeenAt, now), cancel) == 1;
    }

    private ValueTask<byte[]> HashAsync(OathDbContext db, string purpose, string text, CancellationToken cancel) =>
        hashes.HashAsync(db, $"{purpose}/{text}", cancel);
}
