using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Storage;

namespace OathServer.Access;

/// <summary>What a browser is asked (WebAuthn level 3 §5.1), and what it must bring back with the answer.</summary>
/// <param name="Options">The options of <c>navigator.credentials</c>, as JSON.</param>
/// <param name="State">The challenge, closed to the browser.</param>
public sealed record PasskeyQuestion(string Options, string State);

/// <summary>
/// Passkeys of staff, by ASP.NET Core Identity: registering, signing in, removing. The key must know its user (a PIN or
/// a fingerprint) and the user need not type a name. A challenge is answered once: what was answered is written down with the
/// sign-in, in the database all nodes share, so that an answer that somebody copied opens nothing.
/// </summary>
internal sealed class StaffPasskeys(
    OathDbContext db, UserManager<StaffMember> people, SignInManager<StaffMember> signIn, IPasskeyHandler<StaffMember> handler,
    IDataProtectionProvider protection, AuditTrail audit, TimeProvider time)
{
    /// <summary>Passkeys one person may have.</summary>
    public const int Most = 10;

    /// <summary>Characters of the name a person gives to one.</summary>
    public const int NameLengthMax = 64;

    /// <summary>Characters of an answer: a credential identifier has at most 1023 bytes, an attestation a few kilobytes.</summary>
    public const int AnswerLengthMax = 16_384;

    private const string ToSignIn = "sign-in";
    private const string UsedBefore = "passkey: this answer was used before";

    /// <summary>How long the browser may take (WebAuthn level 3 §15.1 recommends 5 to 10 minutes).</summary>
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromMinutes(5);

    /// <summary>What a browser is asked where passkeys are used: a key that checks its user, found without a name.</summary>
    public static void Configure(IdentityPasskeyOptions options, IConfiguration configuration)
    {
        options.UserVerificationRequirement = "required";
        options.ResidentKeyRequirement = "required";
        options.AuthenticatorTimeout = AnswerWithin;
        options.ServerDomain = configuration["Staff:PasskeyDomain"] is { Length: > 0 } domain ? domain : null;
        // The pages send no referrer, so browsers send no Origin with their forms: the signed one is held to the request's host.
        options.ValidateOrigin = context => ValueTask.FromResult(!context.CrossOrigin
            && context.Origin == $"{context.HttpContext.Request.Scheme}://{context.HttpContext.Request.Host}");
    }

    public async Task<IReadOnlyList<UserPasskeyInfo>> ListAsync(StaffMember staff) =>
        [.. (await people.GetPasskeysAsync(staff)).OrderBy(p => p.CreatedAt)];

    public async Task<PasskeyQuestion> AskToSignInAsync(HttpContext http)
    {
        var asked = await handler.MakeRequestOptionsAsync(user: null, http);
        return new PasskeyQuestion(asked.RequestOptionsJson, Close(ToSignIn, asked.AssertionState));
    }

    public async Task<PasskeyQuestion> AskToAddAsync(StaffMember staff, HttpContext http)
    {
        var asked = await handler.MakeCreationOptionsAsync(
            new PasskeyUserEntity { Id = Text(staff.Id), Name = staff.UserName!, DisplayName = staff.UserName! }, http);
        return new PasskeyQuestion(asked.CreationOptionsJson, Close(ToAdd(staff), asked.AttestationState));
    }

    /// <summary>The person whose passkey gave this answer, when they may sign in; whatever was wrong looks the same and
    /// stands in the trail. Wrong passwords somebody else typed do not keep a passkey out.</summary>
    public async Task<StaffMember?> SignInAsync(string answer, string state, HttpContext http, AuditEvent actor, CancellationToken cancel)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        var (staff, reason) = await AnsweredAsync(answer, state, http, cancel);
        await audit.SaveAsync(db, cancel, actor with
        {
            Actor = staff?.UserName ?? "unknown",
            Action = "staff.sign-in",
            Outcome = reason is null ? "done" : "refused",
            Detail = reason ?? "passkey",
            UserName = staff?.UserName,
        });
        await transaction.CommitAsync(cancel);
        return reason is null ? staff : null;
    }

    /// <summary>Adds the passkey a browser made; the password says that it is still the same person (ASVS 5 V7.5.1).</summary>
    public async Task<StaffResult> AddAsync(
        StaffMember staff, string password, string name, string answer, string state, HttpContext http, AuditEvent actor, CancellationToken cancel)
    {
        name = name.Trim();
        if (name.Length is 0 or > NameLengthMax || name.Any(char.IsControl))
        {
            return new StaffResult(StaffFault.BadName, staff);
        }

        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        if (await PasswordFaultAsync(staff, password, actor with { Action = "staff.passkey-add" }, cancel) is { } wrong)
        {
            await transaction.CommitAsync(cancel);
            return wrong;
        }

        if ((await people.GetPasskeysAsync(staff)).Count >= Most)
        {
            return new StaffResult(StaffFault.TooManyPasskeys, staff);
        }

        var opened = answer.Length > AnswerLengthMax ? null : Open(ToAdd(staff), state);
        var made = opened is null || !await SpendAsync(opened, cancel) ? null : await handler.PerformAttestationAsync(
            new PasskeyAttestationContext { HttpContext = http, CredentialJson = answer, AttestationState = opened });
        if (made is not { Succeeded: true })
        {
            return new StaffResult(StaffFault.BadPasskey, staff);
        }

        made.Passkey.Name = name;
        if (!(await people.AddOrUpdatePasskeyAsync(staff, made.Passkey)).Succeeded)
        {
            return new StaffResult(StaffFault.BadPasskey, staff);
        }

        await audit.SaveAsync(db, cancel, actor with { Action = "staff.passkey-add", Outcome = "done", UserName = staff.UserName, Detail = name });
        await transaction.CommitAsync(cancel);
        return new StaffResult(StaffFault.None, staff);
    }

    /// <summary>Removes one of somebody's passkeys: their own, by <paramref name="password"/>; another's, by an administrator, where
    /// it is null. Sessions that began with it end.</summary>
    public async Task<StaffResult> RemoveAsync(StaffMember staff, string id, string? password, AuditEvent actor, CancellationToken cancel)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        if (password is not null && await PasswordFaultAsync(staff, password, actor with { Action = "staff.passkey-remove" }, cancel) is { } wrong)
        {
            await transaction.CommitAsync(cancel);
            return wrong;
        }

        var passkey = (await people.GetPasskeysAsync(staff)).FirstOrDefault(p => Base64Url.EncodeToString(p.CredentialId) == id);
        if (passkey is null)
        {
            return new StaffResult(StaffFault.BadPasskey, staff);
        }

        await people.RemovePasskeyAsync(staff, passkey.CredentialId);
        await people.UpdateSecurityStampAsync(staff);
        await audit.SaveAsync(db, cancel, actor with { Action = "staff.passkey-remove", Outcome = "done", UserName = staff.UserName, Detail = passkey.Name });
        await transaction.CommitAsync(cancel);
        return new StaffResult(StaffFault.None, staff);
    }

    private async Task<(StaffMember? Staff, string? Reason)> AnsweredAsync(string answer, string state, HttpContext http, CancellationToken cancel)
    {
        if (answer.Length > AnswerLengthMax || Open(ToSignIn, state) is not { } opened)
        {
            return (null, "passkey: no answer to a question of ours, or too late");
        }

        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(opened));
        if (await db.SpentChallenges.AnyAsync(c => c.Hash == hash, cancel))
        {
            return (null, UsedBefore);
        }

        var result = await handler.PerformAssertionAsync(new PasskeyAssertionContext { HttpContext = http, CredentialJson = answer, AssertionState = opened });
        if (!result.Succeeded)
        {
            return (null, "passkey: not accepted");
        }

        var staff = result.User;
        if (staff.DisabledAt is not null)
        {
            return (staff, "disabled");
        }

        if (!await SpendAsync(opened, cancel))
        {
            return (staff, UsedBefore);
        }

        staff.LastSignInAt = time.GetUtcNow();
        return (await people.AddOrUpdatePasskeyAsync(staff, result.Passkey)).Succeeded ? (staff, null) : (staff, "passkey: not accepted");
    }

    private async Task<StaffResult?> PasswordFaultAsync(StaffMember staff, string password, AuditEvent what, CancellationToken cancel)
    {
        if (password.Length <= StaffPasswords.LengthMax && (await signIn.CheckPasswordSignInAsync(staff, password, lockoutOnFailure: true)).Succeeded)
        {
            return null;
        }

        await audit.SaveAsync(db, cancel, what with { Outcome = "refused", UserName = staff.UserName, Detail = "wrong password" });
        return new StaffResult(StaffFault.WrongPassword, staff);
    }

    /// <summary>False when this challenge was answered before, here or on another node.</summary>
    private async Task<bool> SpendAsync(string opened, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        await db.SpentChallenges.Where(c => c.ForgetAt < now).ExecuteDeleteAsync(cancel);
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(opened));
        if (await db.SpentChallenges.AnyAsync(c => c.Hash == hash, cancel))
        {
            return false;
        }

        var spent = db.SpentChallenges.Add(new SpentChallenge { Hash = hash, ForgetAt = now + (2 * AnswerWithin) });
        try
        {
            await db.SaveChangesAsync(cancel);
            return true;
        }
        catch (DbUpdateException)
        {
            // Somebody sent the same at the same moment; the transaction goes on from before this statement.
            spent.State = EntityState.Detached;
            return false;
        }
    }

    private string Close(string purpose, string? state) =>
        Protector(purpose).Protect($"{Text(time.GetUtcNow().ToUnixTimeSeconds())} {state}");

    /// <summary>Null when it is not of ours, for something else, or too old.</summary>
    private string? Open(string purpose, string state)
    {
        try
        {
            var opened = state.Length > AnswerLengthMax ? null : Protector(purpose).Unprotect(state).Split(' ', 2);
            return opened is [var asked, var challenge] && long.Parse(asked, CultureInfo.InvariantCulture) + AnswerWithin.TotalSeconds >= time.GetUtcNow().ToUnixTimeSeconds()
                ? challenge : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    private IDataProtector Protector(string purpose) => protection.CreateProtector("passkey", purpose);

    private static string ToAdd(StaffMember staff) => "add " + Text(staff.Id);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
