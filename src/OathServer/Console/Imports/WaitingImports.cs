using System.Collections.Concurrent;
using OathServer.Audit;
using OathServer.Import;
using OathServer.Operations;
using OathServer.Storage;

namespace OathServer.Pages;

/// <summary>Uploads that wait for a word: a browser cannot send a file twice, so it is held between check and import. In the
/// memory of this node only, for minutes, and cleared after.</summary>
internal sealed class WaitingImports : IDisposable
{
    private const int CountMax = 16;
    private const long OctetsMax = 2 * Limits.ImportMax;
    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(20);

    private readonly ConcurrentDictionary<Guid, WaitingImport> waiting = new();
    private readonly IServiceScopeFactory scopes;
    private readonly ShipmentImport shipments;
    private readonly TimeProvider time;
    private readonly ITimer sweep;

    public WaitingImports(IServiceScopeFactory scopes, ShipmentImport shipments, TimeProvider time)
    {
        this.scopes = scopes;
        this.shipments = shipments;
        this.time = time;
        sweep = time.CreateTimer(_ => Sweep(), state: null, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1));
    }

    /// <summary>Holds an upload and begins to check it; null when too many wait.</summary>
    public WaitingImport? Take(ImportRequest request, IReadOnlyDictionary<string, string> typed, AuditEvent actor)
    {
        Sweep();
        if (waiting.Count >= CountMax || waiting.Values.Sum(w => w.Request.File.Length) + request.File.Length > OctetsMax)
        {
            return null;
        }

        var upload = new WaitingImport(Guid.NewGuid(), actor.Actor, request, typed, time.GetUtcNow() + Kept);
        waiting[upload.Id] = upload;
        upload.Begin(confirmed: false, partial: true, actor, (options, who) => RunAsync(upload, options, who));
        return upload;
    }

    /// <summary>The upload, if it is still held and this person's.</summary>
    public WaitingImport? Find(Guid id, string owner) => waiting.TryGetValue(id, out var upload) && upload.Owner == owner ? upload : null;

    /// <summary>Imports what was checked.</summary>
    public void Confirm(WaitingImport upload, bool partial, AuditEvent actor)
    {
        if (upload.State == UploadState.Checked)
        {
            upload.Begin(confirmed: true, partial, actor, (options, who) => RunAsync(upload, options, who));
        }
    }

    /// <summary>Forgets an upload. One that is being written ends by itself.</summary>
    public void Discard(WaitingImport upload)
    {
        if (upload.Work.IsCompleted && waiting.TryRemove(upload.Id, out _))
        {
            upload.Dispose();
        }
    }

    public void Dispose()
    {
        sweep.Dispose();
        foreach (var upload in waiting.Values)
        {
            upload.Dispose();
        }
    }

    private async Task<ImportReport> RunAsync(WaitingImport upload, ImportOptions options, AuditEvent actor)
    {
        await using var scope = scopes.CreateAsyncScope();
        upload.Request.File.Position = 0;
        return await shipments.ImportAsync(
            scope.ServiceProvider.GetRequiredService<OathDbContext>(), upload.Request.File, upload.Request.FileName, options, actor, CancellationToken.None);
    }

    private void Sweep()
    {
        foreach (var upload in waiting.Values.Where(w => w.Until < time.GetUtcNow()).ToList())
        {
            Discard(upload);
        }
    }
}
