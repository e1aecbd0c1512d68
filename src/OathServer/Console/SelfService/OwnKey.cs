using System.Globalization;
using Microsoft.EntityFrameworkCore;
using OathServer.Provisioning;
using OathServer.Provisioning.Handout;
using OathServer.Storage;

namespace OathServer.Pages.SelfService;

/// <summary>A key as its holder sees it: no counter, no PIN, no PUK.</summary>
/// <param name="Id">One of a kind on the page.</param>
/// <param name="Record">The key, where it was provisioned here.</param>
/// <param name="Tokens">What it carries that is theirs.</param>
/// <param name="Steps">What they do first.</param>
/// <param name="StepsLanguage">The language of the steps.</param>
/// <param name="Help">How to reach help.</param>
internal sealed record OwnKey(int Id, KeyRecord? Record, IReadOnlyList<Token> Tokens, IReadOnlyList<string> Steps, string StepsLanguage, string? Help)
{
    /// <summary>What is printed on it.</summary>
    public string Title => Record?.DeviceSerial ?? Record?.Cuid ?? Tokens[0].Serial;

    /// <summary>The token whose codes may be brought back into step.</summary>
    public Token? Usable => Tokens.FirstOrDefault(t => t.Counter!.State is TokenState.Active or TokenState.Imported);

    public bool MayBeLost => Record is { } record ? record.Status is KeyStatus.HandedOut or KeyStatus.ReadyForHandout : Usable is not null;

    public (string Text, string Kind) State(DateTimeOffset now) =>
        Record is { } record && record.Status != KeyStatus.HandedOut ? Words.Of(record.Status) : Tokens.Count > 0 ? Words.Of(Tokens[0].Counter!, now) : ("active", "good");

    /// <summary>All keys and tokens of that person, and of nobody else.</summary>
    public static async Task<List<OwnKey>> ReadAsync(OathDbContext db, long person, CancellationToken cancel)
    {
        db.ChangeTracker.Clear();
        var records = await db.Records.Include(r => r.Person).Include(r => r.Tokens).ThenInclude(t => t.Counter)
            .Where(r => r.PersonId == person && r.Status != KeyStatus.Retired).OrderBy(r => r.Cuid).AsSplitQuery().ToListAsync(cancel);
        var bare = await db.Tokens.Include(t => t.Counter).Include(t => t.Person)
            .Where(t => t.PersonId == person && t.Cuid == null).OrderBy(t => t.Serial).ToListAsync(cancel);
        var keys = new List<OwnKey>();
        foreach (var record in records)
        {
            var profile = record.ProfileName is null ? null : await RolloutProfiles.VersionAsync(db, record.ProfileName, record.ProfileVersion, cancel);
            var own = record.Tokens.Where(t => t.PersonId == person).OrderBy(t => t.Serial).ToList();
            keys.Add(new OwnKey(keys.Count + 1, record, own, StepsOf(profile?.Decisions), LanguageOf(profile?.Decisions), profile?.Decisions.Handout.HelpDesk));
        }

        keys.AddRange(bare.Select((token, i) => new OwnKey(records.Count + i + 1, null, [token], [], CultureInfo.CurrentUICulture.Name, null)));
        return keys;
    }

    private static string LanguageOf(RolloutProfile? profile) => new HandoutWords(profile?.Handout.Language ?? HandoutLanguage.En).Language;

    /// <summary>As the handout has them.</summary>
    private static IReadOnlyList<string> StepsOf(RolloutProfile? profile)
    {
        if (profile is null)
        {
            return [];
        }

        var words = new HandoutWords(profile.Handout.Language);
        return profile.Handout.FirstSteps is { Count: > 0 } own ? own
            : profile.Oath is { } oath ? [words["Step1"], words[oath.Slot is null ? "StepCode" : "StepTouch"]] : [words["Step1"]];
    }
}
