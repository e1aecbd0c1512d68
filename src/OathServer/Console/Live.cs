using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using OathServer.Access;
using OathServer.Provisioning;
using OathServer.Storage;

namespace OathServer.Pages;

/// <summary>Tells a page that something moved, by server-sent events; the page then reads its part again. A page stays open
/// all day: a server that stops does not wait for it.</summary>
internal static class Live
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(300);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/live/readers", (KeyReaders readers, IHostApplicationLifetime life, CancellationToken cancel) =>
            TypedResults.ServerSentEvents(ReadersAsync(readers, life.ApplicationStopping, cancel))).RequireAuthorization(Rules.Provision).ExcludeFromDescription();
        routes.MapGet("/live/batches/{id:guid}", (Guid id, OathDbContext db, IHostApplicationLifetime life, CancellationToken cancel) =>
            TypedResults.ServerSentEvents(BatchAsync(db, id, life.ApplicationStopping, cancel))).RequireAuthorization(Rules.Read).ExcludeFromDescription();
    }

    private static async IAsyncEnumerable<SseItem<int>> ReadersAsync(
        KeyReaders readers, CancellationToken stopping, [EnumeratorCancellation] CancellationToken cancel)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stopping, cancel);
        // Something at once, or the browser would not know that it is connected.
        var told = await Task.Run(readers.List, CancellationToken.None);
        yield return new SseItem<int>(told.Count(r => r.HasKey), "hello");
        while (!either.IsCancellationRequested)
        {
            var now = await Task.Run(readers.List, CancellationToken.None);
            if (!now.SequenceEqual(told))
            {
                told = now;
                yield return new SseItem<int>(now.Count(r => r.HasKey), "readers");
            }

            await Task.Delay(LookAgain, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async IAsyncEnumerable<SseItem<int>> BatchAsync(
        OathDbContext db, Guid id, CancellationToken stopping, [EnumeratorCancellation] CancellationToken cancel)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stopping, cancel);
        var told = await BatchSummary.FindAsync(db, id, cancel);
        yield return new SseItem<int>(told?.Done ?? 0, "hello");
        while (!either.IsCancellationRequested && await BatchSummary.FindAsync(db, id, CancellationToken.None) is { } now)
        {
            if (now != told)
            {
                told = now;
                yield return new SseItem<int>(now.Done, "batch");
            }

            if (now.EndedAt is not null)
            {
                yield break;
            }

            await Task.Delay(LookAgain, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
