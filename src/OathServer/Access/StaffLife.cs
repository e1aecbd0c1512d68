using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Storage;

namespace OathServer.Access;

/// <summary>What can be wrong with a change of staff.</summary>
internal enum StaffFault
{
    None,
    NameTaken,
    BadName,
    LastAdministrator,
    LinkUsed,
    BadPassword,
    WrongPassword,
    BadPasskey,
    TooManyPasskeys,
}

/// <summary>How a change of staff went; <paramref name="Text"/> says what was wrong with a password or a name.</summary>
internal readonly record struct StaffResult(StaffFault Fault, StaffMember? Staff = null, string? Text = null);

/// <summary>Changes of who works here, each with its audit entry in one transaction.</summary>
internal sealed class StaffLife(
    OathDbContext db, UserManager<StaffMember> people, SignInManager<StaffMember> signIn, IPasswordHasher<StaffMember> hasher,
    StaffLinks links, AuditTrail audit, TimeProvider time)
{
    private static readonly StaffMember Nobody = new() { UserName = "nobody", Role = Roles.Auditor };
    private static string? nobodysHash;

    public Task<StaffMember?> FindAsync(string name) => people.FindByNameAsync(name);

    /// <summary>Adds a person without a password, and the link by which they choose one.</summary>
    public async Task<(StaffResult Result, string? Link)> AddAsync(string name, string role, AuditEvent actor, CancellationToken cancel)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        var staff = new StaffMember { UserName = name, Role = role, CreatedAt = time.GetUtcNow() };
        if (FaultOf(await people.CreateAsync(staff)) is { } fault)
        {
            return (fault, null);
        }

        var link = await links.CreateAsync(db, staff.Id, cancel);
        await audit.SaveAsync(db, cancel, actor with { Action = "staff.add", Outcome = "done", UserName = name, Detail = role });
        await transaction.CommitAsync(cancel);
        return (new StaffResult(StaffFault.None, staff), link);
    }

    /// <summary>A new link for somebody who is here already; their sessions and password end when it is used.</summary>
    public async Task<string> LinkAsync(StaffMember staff, AuditEvent actor, CancellationToken cancel)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        var link = await links.CreateAsync(db, staff.Id, cancel);
        await audit.SaveAsync(db, cancel, actor with { Action = "staff.link", Outcome = "done", UserName = staff.UserName });
        await transaction.CommitAsync(cancel);
        return link;
    }

    /// <summary>Gives another role; open sessions end.</summary>
    public Task<StaffResult> ChangeRoleAsync(StaffMember staff, string role, AuditEvent actor, CancellationToken cancel) => ChangeAsync(
        staff, () => staff.Role = role, leavesAdministrators: role != Roles.Administrator,
        actor with { Action = "staff.role", Detail = $"{staff.Role} to {role}" }, cancel);

    /// <summary>Keeps a person from signing in, at once, or lets them again.</summary>
    public Task<StaffResult> DisableAsync(StaffMember staff, bool disable, AuditEvent actor, CancellationToken cancel) => ChangeAsync(
        staff, () => staff.DisabledAt = disable ? staff.DisabledAt ?? time.GetUtcNow() : null, leavesAdministrators: disable,
        actor with { Action = disable ? "staff.disable" : "staff.enable" }, cancel);

    /// <summary>Forgets failed sign-ins, so that a person who is locked out need not wait.</summary>
    public async Task<StaffResult> EndLockOutAsync(StaffMember staff, AuditEvent actor, CancellationToken cancel)
    {
        staff.LockoutEnd = null;
        staff.AccessFailedCount = 0;
        await audit.SaveAsync(db, cancel, actor with { Action = "staff.unlock", Outcome = "done", UserName = staff.UserName });
        return new StaffResult(StaffFault.None, staff);
    }

    /// <summary>Uses a link: sets the password, and makes the first administrator when the link is theirs.</summary>
    public async Task<StaffResult> ChoosePasswordAsync(string token, string? name, string password, AuditEvent actor, CancellationToken cancel)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        var link = await links.FindAsync(db, token, cancel);
        if (link is null || !await links.UseAsync(db, link, cancel))
        {
            return new StaffResult(StaffFault.LinkUsed);
        }

        StaffMember staff;
        if (link.StaffId is { } id)
        {
            staff = await db.Staff.SingleAsync(s => s.Id == id, cancel);
            staff.PasswordHash = null;
            staff.LockoutEnd = null;
            staff.AccessFailedCount = 0;
            if (FaultOf(await people.AddPasswordAsync(staff, password)) is { } refused)
            {
                return refused;
            }
        }
        else
        {
            staff = new StaffMember { UserName = name?.Trim() ?? "", Role = Roles.Administrator, CreatedAt = time.GetUtcNow() };
            if (FaultOf(await people.CreateAsync(staff, password)) is { } refused)
            {
                return refused;
            }
        }

        await audit.SaveAsync(db, cancel, actor with
        {
            Actor = staff.UserName!,
            Action = link.StaffId is null ? "staff.first-administrator" : "staff.password-chosen",
            Outcome = "done",
            UserName = staff.UserName,
        });
        await transaction.CommitAsync(cancel);
        return new StaffResult(StaffFault.None, staff);
    }

    /// <summary>Changes one's own password; all other sessions end.</summary>
    public async Task<StaffResult> ChangePasswordAsync(int staffId, string old, string password, AuditEvent actor, CancellationToken cancel)
    {
        var staff = await db.Staff.SingleAsync(s => s.Id == staffId, cancel);
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        var checkedOld = await signIn.CheckPasswordSignInAsync(staff, old, lockoutOnFailure: true);
        if (!checkedOld.Succeeded)
        {
            await audit.SaveAsync(db, cancel, actor with { Action = "staff.password", Outcome = "refused", UserName = staff.UserName });
            await transaction.CommitAsync(cancel);
            return new StaffResult(StaffFault.WrongPassword);
        }

        if (FaultOf(await people.ChangePasswordAsync(staff, old, password)) is { } refused)
        {
            return refused;
        }

        await audit.SaveAsync(db, cancel, actor with { Action = "staff.password", Outcome = "done", UserName = staff.UserName });
        await transaction.CommitAsync(cancel);
        return new StaffResult(StaffFault.None, staff);
    }

    /// <summary>The person, when name and password are right and they may sign in. Whatever was wrong costs one hash and
    /// looks the same; the trail has the reason.</summary>
    public async Task<StaffMember?> SignInAsync(string name, string password, AuditEvent actor, CancellationToken cancel)
    {
        var staff = name.Length is 0 or > 256 || password.Length > StaffPasswords.LengthMax ? null : await people.FindByNameAsync(name);
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        var reason = staff is null ? "no such name" : staff.DisabledAt is not null ? "disabled" : staff.PasswordHash is null ? "no password chosen yet" : null;
        if (reason is null)
        {
            var result = await signIn.CheckPasswordSignInAsync(staff!, password, lockoutOnFailure: true);
            reason = result.Succeeded ? null : result.IsLockedOut ? "locked out for a while" : "wrong password";
        }
        else
        {
            _ = hasher.VerifyHashedPassword(Nobody, nobodysHash ??= hasher.HashPassword(Nobody, "a password of nobody"), password);
        }

        if (reason is null)
        {
            staff!.LastSignInAt = time.GetUtcNow();
        }

        // A name that is not known may be a password typed in the wrong place: it is not written down.
        await audit.SaveAsync(db, cancel, actor with
        {
            Actor = staff?.UserName ?? "unknown",
            Action = "staff.sign-in",
            Outcome = reason is null ? "done" : "refused",
            Detail = reason,
            UserName = staff?.UserName,
        });
        await transaction.CommitAsync(cancel);
        return reason is null ? staff : null;
    }

    private async Task<StaffResult> ChangeAsync(
        StaffMember staff, Action change, bool leavesAdministrators, AuditEvent what, CancellationToken cancel)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        if (leavesAdministrators && staff is { Role: Roles.Administrator, DisabledAt: null }
            && !await db.Staff.AnyAsync(s => s.Id != staff.Id && s.Role == Roles.Administrator && s.DisabledAt == null && s.PasswordHash != null, cancel))
        {
            return new StaffResult(StaffFault.LastAdministrator);
        }

        change();
        if (FaultOf(await people.UpdateSecurityStampAsync(staff)) is { } fault)
        {
            return fault;
        }

        await audit.SaveAsync(db, cancel, what with { Outcome = "done", UserName = staff.UserName });
        await transaction.CommitAsync(cancel);
        return new StaffResult(StaffFault.None, staff);
    }

    private static StaffResult? FaultOf(IdentityResult result)
    {
        if (result.Succeeded)
        {
            return null;
        }

        var error = result.Errors.First();
        return error.Code switch
        {
            nameof(IdentityErrorDescriber.DuplicateUserName) => new StaffResult(StaffFault.NameTaken, Text: "There is somebody of that name already."),
            nameof(IdentityErrorDescriber.InvalidUserName) => new StaffResult(StaffFault.BadName, Text: "A name is letters, digits and . _ @ + - without spaces."),
            nameof(IdentityErrorDescriber.PasswordTooShort) or "password" => new StaffResult(
                StaffFault.BadPassword, Text: result.Errors.LastOrDefault(e => e.Code == "password")?.Description ?? error.Description),
            _ => new StaffResult(StaffFault.BadPassword, Text: error.Description),
        };
    }
}
